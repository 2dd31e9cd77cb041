"""What goes over the wire: each noun has one module, with its schemas and, below them, its examples."""

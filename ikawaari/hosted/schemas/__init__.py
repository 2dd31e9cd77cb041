"""What goes over the public wire: each noun has one module, with its schemas and, below them, its examples."""

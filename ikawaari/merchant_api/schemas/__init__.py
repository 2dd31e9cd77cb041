"""What goes over the wire: of each noun one module, with its shapes and, below them, its examples."""

"""What must hold while a hundred payers press at once, processes die and connections break."""

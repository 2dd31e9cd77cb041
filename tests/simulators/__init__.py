"""Simulators of providers: each refuses and does what its protocol card says, over a real socket."""

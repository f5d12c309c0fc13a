"""What the operator decided, read once into frozen values: `load.load` gives a `model.Config`."""

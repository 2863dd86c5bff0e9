"""Methods that learn a model of the environment: VINS and its relatives."""

"""The edge agent under twice the load that it can carry."""

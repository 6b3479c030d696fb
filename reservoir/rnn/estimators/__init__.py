"""scikit-learn estimators for trained networks: shells over the record and `hfopt.minimize`."""

"""`make bench`: the checkout under load, as ratios to a bare Flask answer of the same run."""

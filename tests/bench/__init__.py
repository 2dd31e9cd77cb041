"""`make bench`: the checkout measured, over HTTP as ratios to a bare Flask answer of the same run, or in process."""

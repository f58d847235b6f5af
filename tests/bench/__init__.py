"""`make bench`: the hub beside its floors and beside what a user might run instead, as ratios of one run."""

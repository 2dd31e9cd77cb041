"""Several machines on this one: servers, workers, PostgreSQL and a balancer, of which some die while customers pay."""

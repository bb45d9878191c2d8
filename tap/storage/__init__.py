"""Where results of jobs lie. Empty as long as there are no jobs."""

-- Which version was withdrawn, so that the next one counts on from it.
ALTER TABLE armillary.withdrawn ADD version text;

CREATE UNLOGGED TABLE "armillary_upload"."mine_7" ("name" text, "ra" double precision, "dec" double precision, "hpx4" integer NOT NULL, "armillary_at_home" boolean NOT NULL);
SELECT create_distributed_table('"armillary_upload"."mine_7"', 'hpx4', colocate_with => '"gaia"."Photo""metry"');
COPY "armillary_upload"."mine_7" ("name", "ra", "dec", "hpx4", "armillary_at_home") FROM STDIN (FORMAT binary);
SELECT u.name, c.source_id FROM "armillary_upload"."mine_7" AS u JOIN "gaia"."source" AS c ON "u"."hpx4" = "c"."hpx4" AND spoint(radians(c.ra), radians(c.dec)) <@ scircle(spoint(radians(u.ra), radians(u.dec)), radians(0.001));
SELECT count(*) FROM "armillary_upload"."mine_7" AS u WHERE "u"."armillary_at_home";

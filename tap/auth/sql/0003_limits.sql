-- What members of a group may use, where that differs from the configuration: its settings by name.
ALTER TABLE accounts.groups ADD limits jsonb NOT NULL DEFAULT '{}', ADD description text;
-- Whether an account made it, and so says who is in it.
ALTER TABLE accounts.groups ADD of_account boolean NOT NULL DEFAULT false;

CREATE OR REPLACE VIEW accounts.records AS
SELECT a.account_id, a.name, a.password, a.email, a.is_admin, a.disabled, a.created,
       ARRAY(SELECT g.name FROM accounts.members AS m JOIN accounts.groups AS g USING (group_id)
             WHERE m.account_id = a.account_id ORDER BY g.name) AS groups,
       ARRAY(SELECT g.limits FROM accounts.members AS m JOIN accounts.groups AS g USING (group_id)
             WHERE m.account_id = a.account_id AND g.limits <> '{}') AS limits
FROM accounts.accounts AS a;

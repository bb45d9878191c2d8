-- Accounts with the names of their groups, as they are always read.
CREATE VIEW accounts.records AS
SELECT a.account_id, a.name, a.password, a.email, a.is_admin, a.disabled, a.created,
       ARRAY(SELECT g.name FROM accounts.members AS m JOIN accounts.groups AS g USING (group_id)
             WHERE m.account_id = a.account_id ORDER BY g.name) AS groups
FROM accounts.accounts AS a;

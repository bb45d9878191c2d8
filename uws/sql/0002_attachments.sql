-- Files that come with a job as parameters (UWS 1.1 §2.2.3.1.1): [{name, key, size, media_type, file_name}, …].
-- Their bytes lie in storage under `key`.
ALTER TABLE uws.jobs ADD COLUMN attachments jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT attachments_are_a_list CHECK (jsonb_typeof(attachments) = 'array');

-- What people do not want to hear of stays in the night, apart from the rest.
ALTER TABLE biglog.incident
    DROP CONSTRAINT incident_state_check,
    ADD CONSTRAINT incident_state_check
        CHECK (state IN ('new', 'ongoing', 'returned', 'muted', 'resolved')),
    ADD COLUMN mute jsonb;

-- What a key is held to besides its role; null for all that the role may. Which scopes there are, the program knows.
alter table api_keys add column scopes text[];

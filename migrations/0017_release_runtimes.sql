-- Where a release runs is a setting like the others: changing it makes a new release, and a rollback goes back.
update releases set settings = settings || '{"runtime": "local"}' where not settings ? 'runtime';

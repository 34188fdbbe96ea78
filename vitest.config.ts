import { defineConfig } from 'vitest/config'

/** Slow tests that measure memory, rates or time: nothing else may run beside them. */
const MEASURING = ['backup-under-load', 'chatty-server', 'health', 'key-rotation'].map(
  (name) => `test/slow/${name}.test.ts`,
)

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['**/*.gen.ts', '**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'web/src/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          globalSetup: ['test/support/database-server.ts'],
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/abuse/**',
            'test/faults/**',
            'test/browser/**',
            'test/slow/**',
            'test/docker/**',
            'test/program/**',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          globalSetup: ['test/support/database-server.ts'],
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'abuse',
          include: ['test/abuse/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          globalSetup: ['test/support/database-server.ts'],
          include: ['test/slow/**/*.test.ts', 'test/program/**/*.test.ts'],
          exclude: MEASURING,
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'measuring',
          globalSetup: ['test/support/database-server.ts'],
          include: MEASURING,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'docker',
          globalSetup: ['test/support/database-server.ts', 'test/docker/base-image.ts'],
          include: ['test/docker/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], fileParallelism: false },
      },
    ],
  },
})

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Real threads, sockets and processes: each file in its own process, as many at once as there are cores.
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});

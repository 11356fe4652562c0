// `npm run test:cluster`: suites against the real servers that the environment names; see docs/cluster-tests.md.
module.exports = {
  ...require('./jest.config.cjs'),
  roots: ['<rootDir>/test/cluster'],
  testMatch: ['**/*.cluster.ts'],
  maxWorkers: 1,
  testTimeout: 120_000,
};

// `npm run test:cluster`: against real servers that the environment names (test/cluster/real-servers.ts).
module.exports = {
  ...require('./jest.config.cjs'),
  testMatch: ['**/test/cluster/*.cluster.ts'],
  maxWorkers: 1,
};

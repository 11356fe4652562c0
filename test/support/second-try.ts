// Suites with real peers run in real time, on machines that others use too. One of their tests that fails is tried once
// more, at the end of its file; `npm test` names each that needed it, and fails when they are more than a few.
// Everything else is tried once: what runs on an injected clock has no excuse.
if (expect.getState().testPath?.includes('/test/integration/') === true) {
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
}

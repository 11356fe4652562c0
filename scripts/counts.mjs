// Prints the counts of a jest run (its --json file) as one line: `N passed, N failed, N skipped`.
import { readFileSync } from 'node:fs';

const results = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// A file that could not even start counts as a failure.
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
process.stdout.write(`${results.numPassedTests} passed, ${failed} failed, ${results.numPendingTests} skipped\n`);

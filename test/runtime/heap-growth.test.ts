import { spawnSync } from 'node:child_process';

import { heapGrowthFlag } from '../../src/runtime/heap-growth';

test('this version of Node knows the flag', () => {
  const { status, stderr } = spawnSync(process.execPath, [heapGrowthFlag, '-e', '0'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { settingsReference } from '../../src/config/settings-reference';

test('docs/settings.md is what the definitions render', () => {
  const page = readFileSync(join(__dirname, '../../docs/settings.md'), 'utf8');
  expect(page).toBe(settingsReference());
});

import { readFileSync } from 'node:fs';

import { parsePriceTable, priceOf, type PriceTable } from '../../src/call/price-table';

function tableOf(text: string): PriceTable {
  const table = parsePriceTable(text);
  if ('fault' in table) throw new Error(table.fault);
  return table;
}

test('the table that is shipped can be read, and has the models of the documentation', () => {
  const table = tableOf(readFileSync('prices.json', 'utf8'));
  expect([...table.models.keys()]).toEqual(expect.arrayContaining(['gpt-realtime-2', 'gpt-realtime-2.1-mini']));
  expect([...table.transcription.keys()]).toEqual(expect.arrayContaining(['gpt-4o-transcribe', 'whisper-1']));
});

test('a dated snapshot costs what its model costs, and has a price of its own where the table says so', () => {
  const prices = new Map([
    ['gpt-realtime', 1],
    ['gpt-realtime-2025-08-28', 2],
  ]);
  expect(priceOf(prices, 'gpt-realtime-2026-01-01')).toBe(1);
  expect(priceOf(prices, 'gpt-realtime-2025-08-28')).toBe(2);
  expect(priceOf(prices, 'gpt-realtime-mini')).toBeUndefined();
});

const model = { text_in: 4, text_cached: 0.4, text_out: 16, audio_in: 32, audio_cached: 0.4, audio_out: 64 };

test.each([
  ['{', /^not JSON/],
  ['[]', 'the file is not a map'],
  ['{"modells":{}}', 'unknown key "modells"'],
  ['{"models":[]}', '"models" is not a map'],
  ['{"models":{"one":5}}', '"models.one" is not a map'],
  [
    JSON.stringify({ models: { one: { ...model, audio_out: undefined } } }),
    '"models.one.audio_out" is not a price in US dollars',
  ],
  [
    JSON.stringify({ models: { one: { ...model, audio_out: -1 } } }),
    '"models.one.audio_out" is not a price in US dollars',
  ],
  [
    JSON.stringify({ models: { one: { ...model, audio_out: '64' } } }),
    '"models.one.audio_out" is not a price in US dollars',
  ],
  [JSON.stringify({ models: { one: { ...model, per_call: 1 } } }), 'unknown key "per_call" in "models.one"'],
  ['{"transcription":{"one":{"in":1}}}', '"transcription.one" needs either in and out, or per_minute'],
])('%s is told in one line', (text, fault) => {
  const table = parsePriceTable(text);
  if (!('fault' in table)) throw new Error('no fault was found');
  if (typeof fault === 'string') expect(table.fault).toBe(fault);
  else expect(table.fault).toMatch(fault);
});

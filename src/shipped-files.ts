import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readWavFile } from './audio/wav';
import type { PriceTable } from './call/price-table';
import { parsePriceTable } from './call/price-table';
import type { Prompts } from './call/prompts';
import { promptNames } from './call/prompts';
import { messageOf } from './runtime/errors';

/** The table that is shipped, unless another one is named. */
export async function readPrices(named: string | undefined): Promise<PriceTable> {
  const file = named ?? join(__dirname, '..', 'prices.json');
  try {
    const table = parsePriceTable(await readFile(file, 'utf8'));
    if (!('fault' in table)) return table;
    throw new Error(table.fault);
  } catch (cause) {
    throw new Error(`the prices in ${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** The recordings that the bridge itself says. */
export async function readPrompts(): Promise<Prompts> {
  const folder = join(__dirname, '..', 'audio');
  const entries = promptNames.map(async (name) => {
    const at = (file: string, rateHz: 8_000 | 24_000) => readWavFile(join(folder, file), rateHz);
    return [name, { 8_000: await at(`${name}-8khz.wav`, 8_000), 24_000: await at(`${name}.wav`, 24_000) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as Prompts;
}

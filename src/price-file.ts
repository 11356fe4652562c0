import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { PriceTable } from './call/price-table';
import { parsePriceTable } from './call/price-table';
import { messageOf } from './runtime/errors';
import { StartRefused } from './start-refused';

/** The table that is shipped, unless another one is named. Rejects with `StartRefused` when it cannot be used. */
export async function readPrices(named: string | undefined): Promise<PriceTable> {
  const file = named ?? join(__dirname, '..', 'prices.json');
  try {
    const table = parsePriceTable(await readFile(file, 'utf8'));
    if (!('fault' in table)) return table;
    throw new Error(table.fault);
  } catch (cause) {
    throw new StartRefused(`the prices in ${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

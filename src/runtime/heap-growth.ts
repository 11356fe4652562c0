import { setFlagsFromString } from 'node:v8';

/** Up to four times what is alive: the most that V8 would choose by itself. A Node that does not know it goes on without. */
export const heapGrowthFlag = '--heap-growing-percent=300';

/**
 * Keeps V8 from collecting all the time while models speak. It plans the next collection by the growth of objects, some
 * MB ahead, and then charges audio, which lies outside the heap, to that plan: with a hundred answers on their way it
 * marked the whole heap several times a second, 15 to 25 ms each. For a whole process, early in its life.
 */
export function letHeapGrow(): void {
  setFlagsFromString(heapGrowthFlag);
}

import { loadPlan } from '../../src/dialplan/load-plan';
import type { Plan } from '../../src/dialplan/plan';
import { memoryReader } from './memory-plan-reader';

/** The plan of some texts, by file name. Throws with the problems of a refused one. */
export async function planOf(texts: Record<string, string | Buffer>, env: Record<string, string> = {}): Promise<Plan> {
  const load = await loadPlan(memoryReader(texts, { env }));
  if (load.kind === 'refused') throw new Error(JSON.stringify(load.problems, undefined, 1));
  return load.plan;
}

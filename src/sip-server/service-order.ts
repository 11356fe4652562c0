import type { Random } from '../runtime/random';
import type { ServiceRecord } from './host-cache';

/** The records in the order to try them: by priority, and within one at random by weight (RFC 2782). */
export function byPreference(records: readonly ServiceRecord[], random: Random | undefined): ServiceRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((one, other) => one - other);
  return priorities.flatMap((wanted) => {
    return shuffledByWeight(
      records.filter(({ priority }) => priority === wanted),
      random,
    );
  });
}

function shuffledByWeight(records: readonly ServiceRecord[], random: Random | undefined): ServiceRecord[] {
  // Records without a weight come first, where a draw of 0 can reach them.
  const left = [...records].sort((one, other) => one.weight - other.weight);
  const order: ServiceRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = (random?.fraction() ?? 0) * total;
    let passed = 0;
    const at = left.findIndex(({ weight }) => (passed += weight) >= drawn);
    order.push(...left.splice(Math.max(0, at), 1));
  }
  return order;
}

import { parseDurationMs } from '../runtime/duration';
import type { ProxyOptions } from './forking-proxy';
import type { HeaderList } from './header-list';

/** Longest time-out that is taken, so that a slip of the pen does not hold a transaction for ever. */
const timeoutMsMax = 3_600_000;

/**
 * The tokens of a `proxy` command behind its name:
 * transaction | remainInDialog | fullResponse | followRedirects | simultaneous or serial | provisional time-out | final
 * time-out | destination ... Flags are those words or empty. Undefined when there is no destination.
 */
export function readProxyCommand(
  tokens: readonly string[],
  extra: HeaderList,
): (ProxyOptions & { transactionId: string; fullResponse: boolean }) | undefined {
  const [transactionId = '', remain, full, follow, forking, provisional = '', final = '', ...destinations] = tokens;
  const targets = destinations.filter((destination) => destination !== '');
  if (targets.length === 0) return undefined;
  return {
    transactionId,
    remainInDialog: remain === 'remainInDialog',
    fullResponse: full === 'fullResponse',
    followRedirects: follow === 'followRedirects',
    simultaneous: forking === 'simultaneous',
    timeouts: { provisionalMs: readTimeoutMs(provisional), finalMs: readTimeoutMs(final) },
    targets,
    extra,
  };
}

/** `1500ms`, `2s`, or a bare number of milliseconds; undefined for none. */
function readTimeoutMs(text: string): number | undefined {
  const delayMs = /^\d{1,9}$/.test(text) ? Number(text) : parseDurationMs(text);
  return delayMs === undefined || delayMs === 0 ? undefined : Math.min(delayMs, timeoutMsMax);
}

import { parseNameAddr } from './header-values';
import type { SipRequest } from './sip-message';

interface ScannerSigns {
  readonly scannerAgents: readonly string[];
  readonly scannerCallers: readonly string[];
}

/** Whether a request bears the name of a known scanner. Its user may change the User-Agent; few change the rest. */
export function isSignedByScanner({ headers }: SipRequest, { scannerAgents, scannerCallers }: ScannerSigns): boolean {
  const agent = headers.first('User-Agent')?.toLowerCase();
  if (agent !== undefined && scannerAgents.some((name) => agent.includes(name.toLowerCase()))) return true;
  const caller = parseNameAddr(headers.first('From') ?? '')?.displayName.toLowerCase();
  if (caller === undefined || caller === '') return false;
  return scannerCallers.some((name) => caller === name.toLowerCase() || caller === `"${name.toLowerCase()}"`);
}

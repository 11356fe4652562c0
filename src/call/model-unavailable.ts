import type { SessionEnded } from '../realtime/session-listener';

/** The model ended before it was ever ready. */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable';
  constructor(readonly ended: SessionEnded) {
    super(describeEnded(ended));
  }
}

/** One line about why a session is over. */
export function describeEnded(ended: SessionEnded): string {
  switch (ended.kind) {
    case 'closed':
      return 'the session was closed by us';
    case 'expired':
      return 'the session reached its maximum length';
    case 'refused':
      return `the model refused the session: ${ended.code}`;
    case 'lost':
      return `the connection to the model was lost (${ended.closeCode}): ${ended.message}`;
  }
}

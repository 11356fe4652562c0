import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { Application, Refusal, ResponseEvent, Sent } from './application';
import type { CdrStopReason } from './cdr-event';
import type { Dialog } from './dialog';
import { HeaderList } from './header-list';
import type { SessionSettings, SessionTerms } from './session-expires';
import { agreeAsClient, agreeAsServer, readMinSeconds } from './session-expires';
import { SessionTimer } from './session-timer';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';
import type { SipServerStats } from './stats';

/** What sends our refreshes. */
interface RefreshSender {
  requestOn(
    dialog: Dialog,
    application: Application,
    template: SipRequest,
    done: (result: Sent | Refusal) => void,
  ): void;
  acknowledge(
    application: Application,
    dialogId: string,
    template: SipRequest,
    done: (result: Sent | Refusal) => void,
  ): void;
}

interface SessionKeeperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  readonly settings: SessionSettings;
  sender(): RefreshSender;
  hangUp(dialog: Dialog, text: string, reason: CdrStopReason): void;
}

/** Keeps the sessions of dialogs alive, and ends those that nobody refreshes (RFC 4028), in both roles. */
export class SessionKeeper {
  readonly settings: SessionSettings;
  readonly #options: SessionKeeperOptions;

  constructor(options: SessionKeeperOptions) {
    this.settings = options.settings;
    this.#options = options;
  }

  /**
   * Terms for a 2xx to an INVITE or UPDATE of the peer's, written into it. A peer that knows nothing of timers does not end
   * one that we keep by ourselves.
   */
  agree(dialog: Dialog | undefined, request: SipRequest, response: SipResponse): SessionTerms | undefined {
    const terms = agreeAsServer(request, response, this.settings);
    const former = dialog?.session?.terms;
    return terms ?? (former?.refresher === 'ourselves' ? former : undefined);
  }

  /** A 2xx has come for an INVITE or UPDATE of ours. */
  noteAnswer(dialog: Dialog, request: SipRequest, response: SipResponse): void {
    this.begin(dialog, agreeAsClient(request, response));
  }

  /** The session lasts for one interval from now; without terms, for ever. */
  begin(dialog: Dialog, terms: SessionTerms | undefined): void {
    const { clock, stats } = this.#options;
    dialog.session?.stop();
    if (terms === undefined || dialog.state === 'ended') {
      dialog.session = undefined;
      return;
    }
    dialog.session = new SessionTimer({
      clock,
      terms,
      onRefreshDue: () => this.#refresh(dialog),
      onExpired: () => {
        stats.sessionsExpired += 1;
        this.#options.hangUp(dialog, 'Session timer expired', 'session-expired');
      },
    });
  }

  #refresh(dialog: Dialog): void {
    const sender = this.#options.sender();
    const refresh = new Refresh((event) => this.#onResponse(dialog, refresh, event));
    sender.requestOn(dialog, refresh, composeRefresh(dialog), (result) => {
      if ('refused' in result) dialog.session?.retry();
    });
  }

  #onResponse(dialog: Dialog, refresh: Refresh, { response, dialogId }: ResponseEvent): void {
    const { status, headers } = response;
    const { session } = dialog;
    const isInvite = / INVITE$/i.test(headers.first('CSeq') ?? '');
    if (status < 200) return;
    if (status < 300) {
      if (isInvite && dialogId !== undefined) {
        this.#options.sender().acknowledge(refresh, dialogId, bodiless('ACK'), () => undefined);
      }
      return;
    }
    if (session === undefined) return;
    const minSeconds = readMinSeconds(headers);
    if (status === 422 && minSeconds > session.terms.seconds) {
      this.begin(dialog, { ...session.terms, seconds: minSeconds });
      this.#refresh(dialog);
    } else if (!isInvite && (status === 405 || status === 501) && dialog.localDescription !== undefined) {
      dialog.peerTakesUpdate = false;
      this.#refresh(dialog);
    } else if (status === 491) {
      session.retry(glareDelayMs(dialog, this.#options.random));
    } else {
      session.retry();
    }
  }
}

/** Stands in the application's place for one refresh, which the application does not see. */
class Refresh implements Application {
  readonly #onResponse: (event: ResponseEvent) => void;

  constructor(onResponse: (event: ResponseEvent) => void) {
    this.#onResponse = onResponse;
  }

  onResponse(event: ResponseEvent): void {
    this.#onResponse(event);
  }

  // A refresh gets responses and nothing else: requests of the peer go to the dialog's application.
  onRequest(): void {}
  onAck(): void {}
  onCancel(): void {}
  onDialogEnded(): void {}
  onCdr(): void {}
}

/** An UPDATE changes nothing; for peers without it, an INVITE with the description that is in force (RFC 4028 section 7.4). */
function composeRefresh({ peerTakesUpdate, localDescription }: Dialog): SipRequest {
  if (peerTakesUpdate || localDescription === undefined) return bodiless('UPDATE');
  return { ...bodiless('INVITE'), body: localDescription };
}

function bodiless(method: string): SipRequest {
  return { kind: 'request', method, uri: '', headers: new HeaderList(), body: emptyBody };
}

/** RFC 3261 section 14.1: who chose the Call-ID waits longer, so that both do not ask at once again. */
function glareDelayMs({ isCaller }: Dialog, random: Random): number {
  return isCaller ? 2_100 + Math.floor(random.fraction() * 190) * 10 : Math.floor(random.fraction() * 200) * 10;
}

import { withDeadline, type Clock, type Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { MrfEndpoint } from './freeswitch-mrf';
import { MediaUnavailable, OfferRefused } from './media-leg';

/** What an endpoint asks of the server it lives on. */
export interface EndpointHost {
  readonly clock: Clock;
  /** Runs a command within the server's deadline. Rejects when the server is not up or does not answer. */
  api(command: string): Promise<string>;
  /** The endpoint is over: it needs no more leases. */
  onOver(endpoint: FreeswitchEndpoint): void;
  /** Its SIP dialog is over too: nothing is left of it. */
  onDone(endpoint: FreeswitchEndpoint): void;
}

/** FreeSWITCH answers a re-INVITE at once; a proxy that hangs must not hang the caller's. */
const reinviteDeadlineMs = 3_000;
const rebridgeDeadlineMs = 5_000;
const rebridgeLookMs = 10;
/** In which FreeSWITCH counts the length of a key. */
const samplesPerMs = 8;
/** FreeSWITCH sends BYE when its channel ends; when none comes we send ours, so that no SIP dialog stays. */
const byeWaitMs = 3_000;
const reportEvent = 'RECV_RTCP_MESSAGE';

/**
 * One channel of a FreeSWITCH, from its answer on. Its end has two ways: `close` (we are done), or `onGone` is told once
 * (FreeSWITCH ended it, or its connection broke).
 */
export class FreeswitchEndpoint {
  readonly uuid: string;
  /** FreeSWITCH's description of its own side: its answer to the offer. */
  readonly sdp: string;
  readonly #mrf: MrfEndpoint;
  readonly #host: EndpointHost;
  #onGone: (reason: string) => void = () => undefined;
  #onKey: (key: string) => void = () => undefined;
  #onReport: () => void = () => undefined;
  #goneReason: string | undefined;
  #byeTimer: Timer | undefined;
  #expectsReport = false;
  #dialogOver = false;
  #closed = false;

  constructor(mrf: MrfEndpoint, host: EndpointHost) {
    this.#mrf = mrf;
    this.#host = host;
    this.uuid = mrf.uuid;
    this.sdp = mrf.local.sdp ?? '';
    // Else each command waits for the acknowledgement of the one before it: 44 ms.
    mrf.conn?.socket?.setNoDelay(true);
    mrf.on('destroy', (how) => this.gone(how?.reason ?? 'the connection to the channel broke'));
    mrf.on('dtmf', ({ dtmf }) => this.#onKey(dtmf ?? ''));
    mrf.conn?.on(`esl::event::RECV_RTCP_MESSAGE::${mrf.uuid}`, () => this.#reported());
    mrf.dialog.on('destroy', () => {
      this.gone('FreeSWITCH sent BYE');
      this.#dialogEnded();
    });
  }

  /** Whom to tell when FreeSWITCH ends the channel; told at once when it has already. */
  onGone(listener: (reason: string) => void): void {
    this.#onGone = listener;
    if (this.#goneReason !== undefined && !this.#closed) listener(this.#goneReason);
  }

  /** Whom to tell of each key that its far side presses: one character, not checked. */
  onKey(listener: (key: string) => void): void {
    this.#onKey = listener;
  }

  /** Whom to tell when FreeSWITCH has received RTCP on this channel: once after each `expectReport`. */
  onReport(listener: () => void): void {
    this.#onReport = listener;
  }

  /** Twice is fine. */
  expectReport(): void {
    if (this.#expectsReport) return;
    this.#expectsReport = true;
    this.#mrf.conn?.subscribe(reportEvent);
  }

  /**
   * FreeSWITCH tells of RTCP when it comes back with a frame of audio, and without a timer (`X-Ringbridge-Timer`) it waits
   * for RTP as long as it takes. Any request in the channel's dialog makes it come back, without a frame.
   */
  rouse(): void {
    if (this.#dialogOver) return;
    // The SIP server may be gone: then nobody can, and the caller's time goes on.
    try {
      this.#mrf.dialog.request({ method: 'OPTIONS' }, () => undefined);
    } catch {
      return;
    }
  }

  get isGone(): boolean {
    return this.#goneReason !== undefined;
  }

  /** Joins the audio of the two, soon. Rejects with `MediaUnavailable`. */
  async bridge(other: FreeswitchEndpoint): Promise<void> {
    const reply = await this.#host.api(`uuid_bridge ${this.uuid} ${other.uuid}`);
    if (!reply.startsWith('+OK')) throw new MediaUnavailable(`FreeSWITCH did not bridge: ${reply.trim()}`);
  }

  /**
   * The same, out of another bridge. Resolves when both are in the new one: FreeSWITCH only notes the order, and each
   * channel obeys when its next packet comes, or after a second without any.
   */
  async rebridge(other: FreeswitchEndpoint): Promise<void> {
    const { clock } = this.#host;
    await this.bridge(other);
    const endMs = clock.now() + rebridgeDeadlineMs;
    while (!((await this.isBridgedWith(other)) && (await other.isBridgedWith(this)))) {
      if (clock.now() >= endMs) throw new MediaUnavailable(`FreeSWITCH did not bridge in ${rebridgeDeadlineMs} ms`);
      await new Promise<void>((resolve) => clock.setTimer(rebridgeLookMs, resolve));
    }
  }

  /** Not merely ordered to: `signal_bond` and `bridge_uuid` are set with the order, `bridge_to` when it is carried out. */
  async isBridgedWith(other: FreeswitchEndpoint): Promise<boolean> {
    return (await this.#host.api(`uuid_getvar ${this.uuid} bridge_to`)).trim() === other.uuid;
  }

  /**
   * A re-INVITE to FreeSWITCH; resolves with its answer. Rejects with `OfferRefused` when it finds no codec, and nothing
   * has changed then.
   */
  reinvite(offer: string): Promise<string> {
    // `modify` of srf never sends again after a refusal.
    const answered = new Promise<string>((resolve, reject) => {
      const headers = { 'Content-Type': 'application/sdp' };
      this.#mrf.dialog.request({ method: 'INVITE', body: offer, headers }, (failure, response) => {
        if (response === undefined) reject(new MediaUnavailable(`no re-INVITE to FreeSWITCH: ${messageOf(failure)}`));
        else if (response.status >= 200 && response.status < 300) resolve(response.body ?? '');
        else if (response.status >= 300) reject(new OfferRefused(488, `FreeSWITCH answered ${response.status}`));
      });
    });
    const late = (): Error => new MediaUnavailable(`FreeSWITCH answered no re-INVITE in ${reinviteDeadlineMs} ms`);
    return withDeadline(this.#host.clock, reinviteDeadlineMs, answered, late);
  }

  /** Presses a key towards its far side. */
  async sendKey(key: string, durationMs: number): Promise<void> {
    await this.#host.api(`uuid_send_dtmf ${this.uuid} ${key}@${durationMs * samplesPerMs}`);
  }

  /** RTP packets that FreeSWITCH has received on this channel. Rejects with `MediaUnavailable`. */
  async packetsReceived(): Promise<number> {
    await this.#host.api(`uuid_set_media_stats ${this.uuid}`);
    return Number(await this.#host.api(`uuid_getvar ${this.uuid} rtp_audio_in_packet_count`)) || 0;
  }

  /** One is enough: whoever sends many must not keep us busy with them. */
  #reported(): void {
    if (!this.#expectsReport) return;
    this.#expectsReport = false;
    this.#mrf.conn?.sendRecv(`nixevent ${reportEvent}`);
    this.#onReport();
  }

  /** Hangs up. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.onOver(this);
    if (this.#dialogOver) return;
    if (this.#goneReason !== undefined) {
      this.#sendBye();
      return;
    }
    this.#byeTimer = this.#host.clock.setTimer(byeWaitMs, () => this.#sendBye());
    this.#host.api(`uuid_kill ${this.uuid}`).catch(() => this.#sendBye());
  }

  /** The server knows that the channel is no more. */
  gone(reason: string): void {
    if (this.#goneReason !== undefined || this.#closed) return;
    this.#goneReason = reason;
    this.#host.onOver(this);
    this.#onGone(reason);
  }

  /** The SIP server goes away: nobody could send or get a BYE. */
  forget(): void {
    this.#byeTimer?.cancel();
  }

  #dialogEnded(): void {
    this.#dialogOver = true;
    this.#byeTimer?.cancel();
    this.#host.onDone(this);
  }

  #sendBye(): void {
    if (this.#dialogOver) return;
    this.#dialogEnded();
    // The SIP server may have lost the dialog as well; then there is nothing to say BYE to.
    try {
      this.#mrf.dialog.destroy({}, () => undefined);
    } catch {
      return;
    }
  }
}

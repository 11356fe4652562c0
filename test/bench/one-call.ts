import { decodeG711 } from '../../src/audio/g711';
import type { PcmFrame } from '../../src/audio/pcm';
import type { BenchOptions } from './bench';
import { BridgeProcess } from './bridge-process';
import { RtpPhone } from './rtp-phone';
import { ScriptedModel } from './scripted-model';
import { SipCaller } from './sip-caller';

/** An agent that leaves the first word, and every other, to the scripted model. */
const dialplan = `
agents:
  scripted:
    instructions: Do as the script says.
routes:
  - name: every call
    when: any
    answer: scripted
`;

/** One call through a bridge in a process of its own, with phone and model in this one: both ends have one clock. */
export class OneCall {
  readonly bridge: BridgeProcess;
  readonly model: ScriptedModel;
  readonly phone: RtpPhone;
  readonly #caller: SipCaller;
  readonly #hangUp: () => Promise<void>;
  readonly #samples = new Int16Array(160);
  /** Told of each packet: its 20 ms, which are overwritten by the next one's. */
  onHeard: (samples: PcmFrame, arrivedMs: number) => void = () => undefined;

  static async place({ profile, env }: Pick<BenchOptions, 'profile' | 'env'>): Promise<OneCall> {
    const model = await ScriptedModel.start();
    const bridge = await BridgeProcess.start({ dialplan, realtimeUrl: model.url, profile, env });
    const caller = await SipCaller.open({ serverPort: bridge.sipPort });
    const phone = await RtpPhone.open();
    const { remoteRtpPort, hangUp } = await placeCall(caller, phone);
    return new OneCall({ bridge, model, phone, caller, remoteRtpPort, hangUp });
  }

  private constructor(parts: {
    bridge: BridgeProcess;
    model: ScriptedModel;
    phone: RtpPhone;
    caller: SipCaller;
    remoteRtpPort: number;
    hangUp: () => Promise<void>;
  }) {
    this.bridge = parts.bridge;
    this.model = parts.model;
    this.phone = parts.phone;
    this.#caller = parts.caller;
    this.#hangUp = parts.hangUp;
    this.phone.start({
      remotePort: parts.remoteRtpPort,
      onPacket: ({ payload }, arrivedMs) => {
        if (payload.length !== this.#samples.length) return;
        decodeG711('pcmu', payload, this.#samples);
        this.onHeard(this.#samples, arrivedMs);
      },
    });
  }

  /** Hangs up and closes everything. */
  async end(): Promise<void> {
    await this.#hangUp();
    this.phone.close();
    this.#caller.close();
    await this.bridge.stop();
    await this.model.close();
  }
}

async function placeCall(caller: SipCaller, phone: RtpPhone) {
  const call = await caller.call({ user: 'bench', rtpPort: phone.port });
  return { remoteRtpPort: call.remoteRtpPort, hangUp: () => call.hangUp() };
}

/** Calls `send` with 0, 1, 2 ... each 20 ms, each up to `jitterMs` late by chance, until it is ended. */
export function paced(send: (index: number) => void, { jitterMs }: { jitterMs: number }): { end(): void } {
  const startMs = performance.now();
  let index = 0;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const dueMs = startMs + index * 20 + Math.random() * jitterMs;
    timer = setTimeout(() => {
      send(index);
      index += 1;
      next();
    }, dueMs - performance.now());
  };
  next();
  return { end: () => clearTimeout(timer) };
}

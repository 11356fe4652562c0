import type { Occupations } from './occupations';
import type { TransferRequester } from './transfers';
import { failureSentences, type TransferFailure } from './transfer-outcome';

export interface AgentTransferHost {
  readonly occupations: Occupations;
  transfer(destination: string, requester: TransferRequester): void;
  cancelTransfer(): void;
  /** The caller talks to somebody else: the model is not needed any more. */
  onJoined(): void;
  /** Nobody was reached, and the agent is told. */
  onFailed(told: { callId: string | undefined; output: string; failure: TransferFailure }): void;
}

//  idle ─▶ under way ─▶ idle      under way: the caller waits, and the agent neither hears nor is asked anything
/** A transfer that an agent, or its idle rule, asked for, as the agent's conversation sees it. */
export class AgentTransfer {
  readonly #host: AgentTransferHost;
  #endOccupation: (() => void) | undefined;

  constructor(host: AgentTransferHost) {
    this.#host = host;
  }

  get isUnderWay(): boolean {
    return this.#endOccupation !== undefined;
  }

  /** `callId` is that of the tool call that waits for what comes of it; undefined when no tool asked. */
  begin(destination: string, callId: string | undefined): void {
    if (this.isUnderWay) return;
    this.#endOccupation = this.#host.occupations.begin('transfer');
    this.#host.transfer(destination, {
      onJoined: () => this.#host.onJoined(),
      onFailed: (failure) => {
        this.#rest();
        const output = JSON.stringify({ transferred: false, reason: failureSentences[failure] });
        this.#host.onFailed({ callId, output, failure });
      },
    });
  }

  /** The caller waits no longer. Twice is fine. */
  cancel(): void {
    if (!this.isUnderWay) return;
    this.#rest();
    this.#host.cancelTransfer();
  }

  #rest(): void {
    this.#endOccupation?.();
    this.#endOccupation = undefined;
  }
}

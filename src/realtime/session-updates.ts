/** Changes of the session that the server has been asked for and has not answered. */
export class SessionUpdates {
  readonly #pending = new Map<string, (accepted: boolean) => void>();

  /** `answered` is called when the server has answered the event: with true when it was accepted. */
  awaitAnswer(eventId: string, answered: (accepted: boolean) => void): void {
    this.#pending.set(eventId, answered);
  }

  /** A `session.updated`, which names no event: updates are answered in order. */
  accepted(): void {
    for (const eventId of this.#pending.keys()) {
      this.#answer(eventId, true);
      return;
    }
  }

  /** An `error`; false when it is about something else. */
  refused(eventId: string | undefined): boolean {
    return eventId !== undefined && this.#answer(eventId, false);
  }

  /** Nothing will be answered any more. */
  close(): void {
    for (const eventId of [...this.#pending.keys()]) this.#answer(eventId, false);
  }

  #answer(eventId: string, accepted: boolean): boolean {
    const answered = this.#pending.get(eventId);
    this.#pending.delete(eventId);
    answered?.(accepted);
    return answered !== undefined;
  }
}

/** What came of a change that a server was asked for; `lost`: the session is over, or never could be asked. */
export type UpdateAnswer = 'accepted' | 'refused' | 'lost';

/** Changes of the session that the server has been asked for and has not answered. */
export class SessionUpdates {
  readonly #pending = new Map<string, (answer: UpdateAnswer) => void>();

  /** `answered` is called once: when the server has answered the event, or never will. */
  awaitAnswer(eventId: string, answered: (answer: UpdateAnswer) => void): void {
    this.#pending.set(eventId, answered);
  }

  /** A `session.updated`, which names no event: updates are answered in order. */
  accepted(): void {
    for (const eventId of this.#pending.keys()) {
      this.#answer(eventId, 'accepted');
      return;
    }
  }

  /** An `error`; false when it is about something else. */
  refused(eventId: string | undefined): boolean {
    return eventId !== undefined && this.#answer(eventId, 'refused');
  }

  /** Nothing will be answered any more. */
  close(): void {
    for (const eventId of [...this.#pending.keys()]) this.#answer(eventId, 'lost');
  }

  #answer(eventId: string, answer: UpdateAnswer): boolean {
    const answered = this.#pending.get(eventId);
    this.#pending.delete(eventId);
    answered?.(answer);
    return answered !== undefined;
  }
}

#!/bin/sh
# Makes every WAV file in audio/ again. Needs espeak-ng and sox; audio/README.md says what the files are.
#   scripts/make-prompts.sh [FOLDER]
set -eu

folder=${1:-"$(dirname "$0")/../audio"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder"

main() {
  receptionist receptionist-greeting 'Hello, you have reached Ringbridge. How can I help you?'
  receptionist receptionist-answer-1 'We are open from Monday to Friday, from nine in the morning until six in the evening.'
  receptionist receptionist-answer-2 'You will find us at 12 Station Road, on the second floor. The entrance is next to the bakery.'
  receptionist receptionist-answer-3 'Why is it so hard to talk to a machine on the telephone? So we built a bridge. On one side is the telephone network, where every twenty milliseconds count. On the other is a voice that can listen and answer. Interrupt me at any time.'
  receptionist receptionist-answer-4 'I am sorry, I did not catch that. Could you say that again?'
  receptionist receptionist-check-in 'Are you still there?'
  receptionist receptionist-goodbye 'Thank you for calling. Goodbye.'

  receptionist apology 'We are sorry. Something went wrong on our side. Please call again in a moment. Goodbye.'
  receptionist please-wait 'One moment, please.'
  receptionist goodbye 'Thank you for calling. Goodbye.'
  receptionist session-warning 'This call has almost reached its maximum length.'
  receptionist session-goodbye 'This call has reached its maximum length. Thank you for calling. Goodbye.'

  caller caller-question 'Hello. What are your opening hours, please?'
  caller caller-interruption 'Sorry, wait a moment.'
  caller caller-murmur 'Uh-huh.'
  caller caller-thanks 'Thank you very much. That is all. Goodbye.'

  hold_music
  ringing

  # What is played straight onto a telephone line, for programs that cannot convert.
  for name in apology please-wait goodbye session-warning session-goodbye caller-question caller-interruption \
    caller-murmur caller-thanks hold-music ringing; do
    sox -D "$folder/$name.wav" -r 8000 "$folder/$name-8khz.wav"
  done
}

receptionist() {
  espeak-ng -v en-us+f3 -s 165 -p 55 -w "$work/speech.wav" "$2"
  finish "$1"
}

caller() {
  espeak-ng -v en-gb+m3 -s 155 -p 30 -w "$work/speech.wav" "$2"
  finish "$1"
}

# Without the silence at both ends, peaks tamed (2 ms of look-ahead), at -20.5 dB RMS, 24 kHz mono, 16 bits, 0.1 s of
# silence before and after. -D: no dither, so that the files come out the same every time.
finish() {
  sox -D "$work/speech.wav" -r 24000 -c 1 "$work/even.wav" \
    gain -6 silence 1 0.01 0.2% reverse silence 1 0.01 0.2% reverse highpass 100 \
    gain -n -1 compand 0.0005,0.05 -90,-90,-16,-16,0,-11 0 -90 0.002
  gain_db=$(sox "$work/even.wav" -n stats 2>&1 | awk '/^RMS lev dB/ { printf "%.2f", -20.5 - $4 }')
  sox -D "$work/even.wav" -b 16 "$folder/$1.wav" gain "$gain_db" pad 0.1 0.1
}

# Four broken chords, 12 s, made to be repeated without a seam.
hold_music() {
  chord c C3 E4 G4 C5
  chord a A2 C4 E4 A4
  chord f F2 A3 C4 F4
  chord g G2 B3 D4 G4
  sox -D "$work/c.wav" "$work/a.wav" "$work/f.wav" "$work/g.wav" -b 16 "$folder/hold-music.wav" gain -n -10
}

chord() {
  sox -D -n -r 24000 -c 1 -b 16 "$work/$1.wav" \
    synth 3 pluck "$2" pluck "$3" pluck "$4" pluck "$5" delay 0 0.35 0.7 1.05 remix - trim 0 3 fade t 0.005 3 0.6
}

# Ringing tone as most of Europe hears it (ETSI TR 101 041-2): 425 Hz, 1 s on, 4 s off.
ringing() {
  sox -D -n -r 24000 -c 1 -b 16 "$folder/ringing.wav" synth 1 sine 425 fade t 0.01 1 0.01 gain -16 pad 0 4
}

main

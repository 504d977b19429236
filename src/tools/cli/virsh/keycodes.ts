/** Linux's key numbers (input-event-codes.h) as far as a keyboard of 105 keys has them. */

/** Names from number `first` on, in the order of their numbers. */
const RUNS: readonly (readonly [first: number, names: string])[] = [
  [1, 'ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE RIGHTBRACE ENTER LEFTCTRL'],
  [30, 'A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA DOT SLASH RIGHTSHIFT'],
  [55, 'KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK'],
  [71, 'KP7 KP8 KP9 KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 KP3 KP0 KPDOT'],
  [86, '102ND F11 F12'],
  [96, 'KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT'],
  [102, 'HOME UP PAGEUP LEFT RIGHT END DOWN PAGEDOWN INSERT DELETE MACRO MUTE VOLUMEDOWN VOLUMEUP POWER KPEQUAL'],
  [119, 'PAUSE'],
  [125, 'LEFTMETA RIGHTMETA COMPOSE'],
];

const numbers = new Map(RUNS.flatMap(([first, names]) => names.split(' ').map((name, i) => [name, first + i])));

/** The number of a key, given as a number or, in the `linux` set, as `KEY_…`; undefined: there is none. */
export function keyCode(key: string, codeset: string): number | undefined {
  if (/^(\d+|0x[0-9a-f]+)$/i.test(key)) {
    const code = Number(key);
    return code <= 0xffff ? code : undefined;
  }
  return codeset === 'linux' && key.startsWith('KEY_') ? numbers.get(key.slice(4)) : undefined;
}

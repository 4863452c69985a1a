/** A short code that two people compare by phone. Pure. */
import { scryptSync } from 'node:crypto'

/** Different in their first letters and in sound; lower case. 256 of them: one octet each. */
const WORDS = `
acid actor adult after album alarm amber angel ankle apple april arena arrow aspen atlas autumn
baker balcony bamboo banana barrel basket beacon beaver bishop blanket bottle bracket breeze bridge bronze bucket
cabin cactus camel candle canyon carpet castle cedar cellar cherry chimney circle clover cobalt coffee comet
copper coral cotton cousin cradle crayon cricket crystal dancer danger daisy debate denim desert diamond dinner
doctor dolphin donkey dragon drawer dream eagle early earth easel echo editor eleven elbow embassy engine
evening exhibit fabric falcon family feather fender fiddle finger flamingo flower forest fossil freedom funnel galaxy
garden garlic gentle ginger giraffe glacier goblet golden gossip gravel guitar hammer harbor harvest hazel helmet
hermit hockey honey horizon hunter iceberg igloo impact indigo insect island ivory jacket jaguar jelly jewel
jigsaw journey jungle junior kettle kidney kitchen kitten koala ladder lagoon lantern laptop lemon leopard liberty
lilac linen lizard lobster locust lumber machine magnet mango marble meadow melody mercury mirror monkey mosaic
mustard napkin needle nephew nickel noodle number nutmeg oasis object october olive onion orange orchid otter
oxygen oyster paddle palace panda paper parrot peanut pebble pencil pepper piano pigeon pillow pirate planet
pocket poetry pony potato powder prairie puzzle pyramid quarter quiver rabbit radar raven ribbon river robin
rocket saddle safari salmon sandal saturn scarlet school shadow silver sketch sparrow spider spring squirrel summer
sunset swallow tablet tailor teapot temple thunder ticket tiger timber tomato tornado trumpet tulip tunnel turtle
umbrella uncle valley vanilla velvet violin volcano waffle walnut whistle willow window winter wizard yellow zebra
`.trim().split(/\s+/)

const COUNT = 6

/**
 * Six words over the octets. A slow derivation stands before them, so that nobody can try out as many forged files as 48 bits would
 * take (scrypt, N = 2^15).
 */
export function wordsOver(content: string): string[] {
  return [...scryptSync(content, 'waybill card words 1', COUNT, { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 })].map((octet) => WORDS[octet] ?? '')
}

/** Case and surroundings are forgiven; order counts. */
export function sameWords(told: readonly string[], right: readonly string[]): boolean {
  const plain = told.flatMap((text) => text.toLowerCase().split(/[^a-z]+/)).filter((word) => word !== '')
  return plain.length === right.length && plain.every((word, index) => word === right[index])
}

export { WORDS as READ_BACK_WORDS }

import assert from "node:assert/strict";
import { test } from "node:test";
import Delta from "quill-delta";
import { apostropheIn, becomes, lineBecomes, quotesOf } from "../../../src/editor/input/autoFormat";
import { around } from "../../../src/editor/text/composedEdits";
import { languageOf, UNKNOWN_LANGUAGE } from "../../../src/editor/text/language";
import { safeLink, typedLink } from "../../../src/editor/text/links";
import { carried, inPassages, passagesOf } from "../../../src/editor/text/passages";
import { edited } from "../../../src/editor/text/sharedText";
import type { Op } from "../../../src/room/document/delta";
import { seeded } from "../../support";

/** An edit of a text of `length` units, somewhere in it. */
function randomEdit(random: () => number, length: number): Delta {
  const edit = new Delta();
  let at = 0;
  while (at < length) {
    const step = Math.min(length - at, 1 + Math.floor(random() * 6));
    const kind = random();
    if (kind < 0.25) edit.insert("xyz\n".slice(0, 1 + Math.floor(random() * 4)));
    if (kind < 0.5) edit.retain(step);
    else if (kind < 0.6) edit.retain(step, { bold: true });
    else if (kind < 0.75) edit.delete(step);
    else edit.retain(step);
    at += step;
    if (random() < 0.2) break;
  }
  return edit.chop();
}

test("an edit is split around a zone, and both parts together are the edit", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = seeded(seed);
    const length = 10 + Math.floor(random() * 30);
    const before = new Delta().insert("abcdefghijklmnopqrstuvwxyz0123456789ABCD".slice(0, length));
    const edit = randomEdit(random, length);
    const start = Math.floor(random() * length);
    const zone =
      random() < 0.1 ? { start: -1, end: start } : { start, end: start + 1 + Math.floor(random() * 9) };
    const { outside, inside } = around(edit, zone);
    const both = before.compose(outside).compose(inside);
    assert.deepEqual(both.ops, before.compose(edit).ops, `seed ${seed}`);
    // What stands in the zone is the same, and in one piece.
    const kept = (before.slice(Math.max(0, zone.start), zone.end).ops[0]?.insert ?? "") as string;
    const plain = before
      .compose(outside)
      .ops.map((op) => op.insert)
      .join("");
    assert.ok(plain.includes(kept), `seed ${seed}`);
  }
});

test("what was held and what was composed meet as if both had come at once", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seeded(seed);
    const before = new Delta().insert("the words of a line\nand of the next\n");
    const held = randomEdit(random, before.length() - 1);
    const typed = new Delta().retain(Math.floor(random() * (before.length() - 1))).insert("日本");
    const room = before.compose(held).compose(held.transform(typed, true));
    const page = before.compose(typed).compose(typed.transform(held, false));
    assert.deepEqual(page.ops, room.ops, `seed ${seed}`);
  }
});

test("a text is carried along with its edits", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seeded(seed);
    const text = "abc defgh\nijklmno pq";
    const edit = randomEdit(random, text.length);
    const whole = new Delta().insert(text).compose(edit);
    const wanted = whole.ops.map((op) => op.insert).join("");
    assert.equal(edited(text, edit.ops as Op[]), wanted, `seed ${seed}`);
  }
});

test("passages are carried along with edits, or are read anew", () => {
  let carriedOver = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = seeded(seed);
    const before = new Delta()
      .insert("abcd")
      .insert("efghij", { "comment:one": true })
      .insert("kl")
      .insert("mnop", { "comment:two": true })
      .insert("qr");
    const passages = passagesOf(before.ops as Op[]);
    const plain = randomEdit(random, before.length());
    const edit = random() < 0.5 ? plain : new Delta(inPassages(plain.ops as Op[], passages) as Delta["ops"]);
    const found = carried(edit.ops as Op[], passages);
    if (!found) continue;
    carriedOver += 1;
    const joined = (map: ReturnType<typeof passagesOf>) => JSON.stringify([...map].sort());
    assert.equal(joined(found), joined(passagesOf(before.compose(edit).ops as Op[])), `seed ${seed}`);
  }
  assert.ok(carriedOver > 150, String(carriedOver));
});

test("only addresses of pages and of mail are links", () => {
  assert.equal(safeLink(" https://example.org/a?b#c "), "https://example.org/a?b#c");
  assert.equal(safeLink("mailto:ada@example.org"), "mailto:ada@example.org");
  for (const bad of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "//example.org",
    "#top",
    "",
    `https://example.org/${"a".repeat(2000)}`,
  ])
    assert.equal(safeLink(bad), null, bad);
  assert.equal(typedLink("example.org/page"), "https://example.org/page");
  assert.equal(typedLink("example.org:8080"), "https://example.org:8080");
  assert.equal(typedLink("ada@example.org"), "mailto:ada@example.org");
  assert.equal(typedLink("javascript:alert(1)"), null);
  assert.equal(typedLink("no address"), null);
});

test("signs become what they mean, by the language of the line", () => {
  const english = quotesOf("She said", "en-US");
  const type = (text: string, quotes = english) => {
    let line = "";
    for (const sign of text) {
      const apostrophe = apostropheIn(sign, line, quotes);
      if (apostrophe !== null) line = `${line.slice(0, apostrophe)}’${line.slice(apostrophe + 1)}`;
      const now = becomes(sign, line, quotes);
      line = now ? line.slice(0, line.length - now.takes) + now.text : line + sign;
    }
    return line;
  };
  assert.equal(type(`She said "no" -- it's ('over')`), "She said “no” — it’s (‘over’)");
  assert.equal(type('Он: "да"', quotesOf("Он сказал", "en")), "Он: «да»");
  assert.equal(type(`Он: "да, 'так' и есть"`, quotesOf("Он сказал", "en")), "Он: «да, „так“ и есть»");
  assert.equal(type(`"'so geht's nicht'"`, quotesOf("Sie sagte", "de")), "„‚so geht’s nicht‘“");
  assert.equal(type('Sie: "ja" -- nein', quotesOf("Sie sagte", "de")), "Sie: „ja“ – nein");
  assert.equal(type("the '90s, '05 and ('68)"), "the ’90s, ’05 and (’68)");
  assert.equal(type("'Tis 'em, rock 'n' roll"), "’Tis ’em, rock ’n’ roll");
  assert.equal(type(`"'Twas 'over' 'm' then."`), "“’Twas ‘over’ ‘m’ then.”");
  assert.equal(type("die '90er, so 'ne Sache", quotesOf("die Sache", "de")), "die ’90er, so ’ne Sache");
  assert.equal(type("l'amour, dell'arte, п'ять"), "l’amour, dell’arte, п’ять");
  assert.equal(type("---"), "---");
  assert.equal(type("a-b"), "a-b");
  assert.deepEqual(lineBecomes("##"), { header: 2 });
  assert.deepEqual(lineBecomes(">"), { blockquote: true });
  assert.equal(lineBecomes("-"), null);
  assert.equal(lineBecomes("a #"), null);
});

test("a language is told by its letters and its little words, or not at all", () => {
  const passages = {
    en: "The night was dark and the rain fell upon the roofs of the old town.",
    de: "Die Nacht war dunkel und der Regen fiel auf die Dächer der alten Stadt.",
    fr: "La nuit était sombre et la pluie tombait sur les toits de la vieille ville.",
    es: "La noche era oscura y la lluvia caía sobre los tejados de la vieja ciudad.",
    ru: "Ночь была тёмной, и дождь лил на крыши старого города.",
    uk: "Ніч була темна, і дощ лив на дахи старого міста, її вулиць.",
    ja: "夜は暗く、雨が古い町の屋根に降っていました。",
    zh: "夜色漆黑,雨水落在古城的屋顶上,街道上空无一人。",
    ko: "밤은 어두웠고 비가 오래된 도시의 지붕 위로 내렸다.",
    he: "הלילה היה חשוך והגשם ירד על גגות העיר העתיקה.",
    sv: "Natten var mörk och regnet föll på taken i den gamla staden, där ingen var vaken.",
    fi: "Vanha mies käveli hitaasti satamaan ja katseli laivoja, jotka lepäsivät siellä talvella, ja",
    cs: "Noc byla temná a déšť padal na střechy starého města, které už spalo, když přišel.",
    hu: "Az éjszaka sötét volt, és az eső a régi város tetőire hullott, ahol nem járt senki.",
    tr: "Gece karanlıktı ve yağmur eski şehrin çatılarına yağıyordu, ama o bir şey için bekledi.",
    ro: "Noaptea era întunecată și ploaia cădea pe acoperișurile orașului vechi, care nu dormea.",
    id: "Malam itu gelap dan hujan turun di atap rumah kota tua yang tidak tidur dengan tenang.",
    eu: "Gaua iluna zen eta euria hiri zaharreko teilatuen gainera erortzen ari zen inor esna zegoen kaleetan lasai",
    vi: "Đêm tối và mưa rơi trên mái nhà của thành phố cổ, không một người trong phố này.",
  };
  for (const [language, text] of Object.entries(passages))
    assert.equal(languageOf(text), language === "eu" ? UNKNOWN_LANGUAGE : language);
  assert.equal(languageOf("Xyzzy qwfp zxcvb arst"), null);
  assert.equal(languageOf("Hm."), null);
});

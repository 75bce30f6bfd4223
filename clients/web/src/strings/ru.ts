// Russian.

import type { Strings } from "./en";

/** Russian counts in three forms: 1 слово, 2 слова, 5 слов. */
function counted(count: number, one: string, few: string, many: string): string {
  const tens = count % 100;
  const units = count % 10;
  if (tens > 10 && tens < 20) return `${count} ${many}`;
  if (units === 1) return `${count} ${one}`;
  return `${count} ${units > 1 && units < 5 ? few : many}`;
}

export const ru: Strings = {
  brand: "Antiphon",
  tagline: "Один текст: его пишут люди и модель, вместе.",
  close: "Закрыть",
  cancel: "Отмена",
  copy: "Скопировать",
  copied: "Скопировано",
  dismiss: "Закрыть",

  lobby: {
    lead: "Все пишут одновременно. Попросите, и модель ответит там, где стоит ваш курсор, у всех на виду.",
    create: "Новая комната",
    creating: "Открываем комнату…",
    joinLabel: "Ссылка-приглашение",
    joinPlaceholder: "Вставьте ссылку-приглашение",
    joinButton: "Войти",
    joinWrong: "Это не приглашение этого сервера. Оно выглядит так: …/r/комната#токен.",
    recent: "Недавние комнаты",
    untitled: "Без названия",
    forget: (title) => `Забыть «${title}»`,
    createFailed: (why) => `Не удалось открыть комнату: ${why}`,
    unreachable: "сервер не отвечает",
  },

  roles: { owner: "Владелец", editor: "Автор", viewer: "Читатель" },

  name: {
    title: "Как вас называть?",
    label: "Ваше имя",
    placeholder: "Имя или псевдоним",
    enter: "Войти в комнату",
  },

  denied: {
    home: "На главную",
    again: "Ещё раз",
    here: "Продолжить здесь",
    noToken: ["Нужна ссылка-приглашение", "Попросите её у кого-нибудь из комнаты."],
    unauthorized: ["Эта ссылка не открывает комнату", "Возможно, она устарела. Попросите новую."],
    revoked: ["Вас удалили из комнаты", "Владелец комнаты закрыл вам доступ."],
    noRoom: ["Такой комнаты нет", "Возможно, её удалили или ссылка неполная."],
    replaced: [
      "Ваше место занято другим окном",
      "Комната открыта от вашего имени в другом месте. Место можно вернуть.",
    ],
    version: ["Страница устарела", "Сервер обновился. Перезагрузите страницу."],
    other: [
      "Сервер отказал в соединении",
      "Перезагрузите страницу. Если не поможет, сообщите администратору.",
    ],
  },

  status: {
    connecting: "Соединяемся…",
    syncing: "Догоняем…",
    saved: "Сохранено",
    saving: "Сохраняем…",
    offline: "Нет связи",
    offlineKept: "Пишите дальше: текст уйдёт, когда связь вернётся.",
    offlineIn: (seconds) => `Новая попытка через ${seconds} с`,
    retry: "Сейчас",
    readOnly: "Только чтение",
  },

  title: { label: "Название текста", placeholder: "Без названия" },
  story: {
    label: "Текст",
    placeholder: "Начните с любого места. Ctrl + Enter: модель продолжит.",
    placeholderReading: "Пока ничего не написано.",
    words: (count) => counted(count, "слово", "слова", "слов"),
  },

  toolbar: {
    label: "Оформление",
    bold: "Полужирный",
    italic: "Курсив",
    heading: "Заголовок",
    subheading: "Подзаголовок",
    bullets: "Список",
    numbers: "Нумерованный список",
    quote: "Цитата",
    undo: "Отменить мою правку",
    redo: "Вернуть",
  },

  ask: {
    label: "Попросить модель",
    placeholder: "Скажите модели, что написать, или дайте ей продолжить",
    placeholderSelection: "Что сделать с выделенным?",
    continue: "Продолжить",
    continueHint: "Продолжить у курсора (Ctrl + Enter)",
    send: "Попросить",
    stop: "Стоп",
    stopHint: "Остановить (Esc)",
    mode: "Как пишет модель",
    write: "Пишет",
    writeHint: "Сразу в текст",
    suggest: "Предлагает",
    suggestHint: "Предлагает; кто-нибудь принимает или отклоняет",
    length: "Объём",
    lengths: { short: "Строка", medium: "Абзац", long: "Страница" },
    notReady: "Модель ещё не готова",
    noModel: "Нет модели",
  },

  runs: {
    title: "Модель",
    show: "Показать, что делала модель",
    hide: "Скрыть",
    empty: "Пока ни о чём не просили.",
    emptyHint: "Напишите строку и нажмите «Продолжить». Написанное моделью остаётся отмеченным её цветом.",
    continue: "Продолжение",
    by: (name) => `для: ${name}`,
    you: "вы",
    gone: "кто-то, кто уже ушёл",
    queued: (position) => (position > 0 ? `В очереди, номер ${position}` : "В очереди"),
    startsIn: (seconds) => `начнёт примерно через ${seconds} с`,
    reading: "Читает текст…",
    running: "Пишет",
    done: "Готово",
    stopped: "Остановлено",
    failed: "Ошибка",
    undone: "Отменено",
    open: "Предложение",
    accepted: "Принято",
    rejected: "Отклонено",
    tokens: (count, max) =>
      max > 0 ? `${count} из ${max} токенов` : counted(count, "токен", "токена", "токенов"),
    tokensDone: (count) => counted(count, "токен", "токена", "токенов"),
    stop: "Стоп",
    undo: "Отменить",
    accept: "Принять",
    reject: "Отклонить",
    steer: "Направить",
    steerLabel: "Новое указание",
    steerPlaceholder: "Теперь пусть пойдёт дождь…",
    steerSend: "Применить",
    boldness: "Смелость",
    calm: "Ровно",
    bold: "Смело",
    ready: "готова",
    loading: "загружается",
  },

  people: {
    label: "В комнате",
    you: (name) => `${name} (вы)`,
    away: "не в сети",
    more: (count) => `ещё ${count}`,
  },

  share: {
    button: "Пригласить",
    title: "Пригласить в комнату",
    editor: "Пишет",
    editorHint: "Пишет, просит модель, принимает и отклоняет",
    viewer: "Читает",
    viewerHint: "Следит вживую, ничего не меняет",
    owner: "Тоже владелец",
    ownerHint: "Может ещё приглашать и удалять людей",
    noLinks: "Приглашать может только владелец комнаты.",
    members: "Люди",
    remove: (name) => `Удалить: ${name}`,
    removeConfirm: (name) => `Удалить: ${name}? Ссылка, по которой этот человек вошёл, перестанет работать.`,
    removeYes: "Удалить",
  },

  suggestion: { by: (name) => `${name} предлагает` },

  refused: {
    title: "Часть ваших слов не попала в комнату",
    lineage: "Пока вас не было, текст комнаты на сервере начали заново.",
    denied: "Эту комнату вы можете читать, но не писать в ней.",
    invalid: "Сервер не смог принять последнюю правку.",
    too_large: "Правка слишком велика, или текст достиг предела.",
    rate_limited: "Вы пишете быстрее, чем позволяет комната.",
    unavailable: "Сервер сейчас не может сохранить текст.",
    unsent: "Связь прервалась раньше, чем они были отправлены.",
    kept: "Вот они:",
    nothing: "Вашего текста в правке не было; показан текст комнаты, как он есть на сервере.",
  },

  notices: {
    request_failed: (detail) => detail,
    not_connected: () => "Нет связи: ничего не отправлено.",
    too_large: () => "Столько комната не вместит. Ничего не вставлено.",
    draining: () => "Сервер перезапускается. Сейчас всё вернётся.",
    run_failed: (detail) => `Модель не справилась: ${detail}`,
  },
};

//! The word lists, one text each: entries divided by bars. Generic English, lower case.

/// Entries of a list.
pub(super) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split('|').map(str::trim)
}

/// Whether `word` is an entry of `list`.
pub(super) fn contains(list: &str, word: &str) -> bool {
    entries(list).any(|entry| entry == word)
}

pub(super) const DIGITS: &str = "\
    zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple";

pub(super) const ANNOUNCES_DIGITS: &str = "\
    number is|code is|pin is|dial|extension|code|pin|phone number|account number|\
    order number|call";

/// Whole utterances that need nothing more.
pub(super) const STANDS_ALONE: &str = "\
    yes|yeah|yep|yup|no|nope|okay|ok|sure|right|exactly|correct|wrong|maybe|perhaps|\
    absolutely|definitely|fine|good|great|perfect|nice|cool|wonderful|excellent|mm-hm|mm hm|\
    uh huh|uh-huh|mhm|got it|i see|go on|go ahead|keep going|all right|alright|of course|\
    not yet|not now|not really|not sure|never|none|nothing|both|neither|stop|wait|hold on|\
    hang on|one moment|one moment please|pause|cancel|continue|repeat|again|next|previous|\
    back|help|skip|undo|quiet|silence|enough|what|why|when|where|who|how|pardon|sorry|hello|\
    hi|hey|thanks|please|bye|goodbye|bye bye|operator|agent|start over|never mind|\
    sounds good|any news|any messages|any new messages|speak up|that is all|that's all|i am|\
    i do|i did|i have|i will|it is|it was|louder please|quieter please|shorter please|\
    next one please|come in";

/// Words after which English goes on.
pub(super) const DANGLING: &str = "\
    a|an|the|my|your|his|its|our|their|these|those|some|any|every|each|and|or|but|\
    because|if|whether|then|than|which|while|until|unless|although|to|of|for|from|with|\
    without|at|by|into|onto|about|between|during|before|after|since|as|like|is|are|was|were|\
    am|be|been|has|had|will|would|could|should|can|may|might|must|shall|does|um|uh|er|erm|\
    well|also|very|i|we|they|he|she|who|what|where|when|how|why|not|\
    mister|mrs|doctor|half|quarter|\
    number|in|on";

/// Ends that are sentences by grammar but nearly always go on.
pub(super) const WANTS_MORE: &str = "\
    set a timer|set an alarm|set a reminder|set the volume|set the temperature|remind me|\
    send a message|send an email|leave a message for|tell him|tell her|move it|book it|\
    wake me|call me back in|transfer me|i want|i need|i would like|i'd like|can you|\
    could you|would you|will you|do you|let me|let's|i think|i mean|you know|there is|\
    there are|the meeting|turn on|turn off|turn the|thank you for";

/// Openings that leave the sentence behind them to be judged.
pub(super) const LEAD_INS: &str = "\
    please|okay|ok|so|and|yes|no|well|now|then|yeah|hey|oh|right|actually|just";

pub(super) const GREETINGS: &str = "\
    hello|hi|hey|good|goodbye|bye|thank|thanks|yes|no|okay|yeah|sorry|excuse|pardon|nothing|\
    see";

pub(super) const QUESTION_WORDS: &str = "\
    what|what's|who|who's|whose|when|when's|where|where's|why|which|how|how's|is|are|am|was|\
    were|do|does|did|can|could|will|would|should|shall|may|might|have|has|had|any|isn't|\
    aren't|don't|didn't|can't";

pub(super) const SUBJECTS: &str = "\
    i|i'm|i've|i'd|i'll|you|you're|he|he's|she|she's|it|it's|we|we're|they|they're|that|\
    that's|this|there|there's|the|my|your|our|nobody|somebody|everything|everybody|not";

pub(super) const IMPERATIVES: &str = "\
    set|call|tell|send|read|run|start|stop|restart|open|close|turn|cancel|delete|remove|add|\
    put|take|make|give|show|check|play|pause|resume|remind|wake|book|move|transfer|leave|\
    write|say|repeat|speak|talk|slow|wait|hold|hang|try|go|keep|skip|save|undo|redo|do|don't|\
    let|let's|help|find|search|look|get|buy|order|pay|lock|unlock|mute|unmute|end|finish|\
    deploy|roll|merge|review|approve|reject|schedule|change|update|forget|listen|stay|be|\
    come|bring|answer|ask|explain|describe|summarize|summarise|list|count|record|dial|\
    connect|disconnect|reboot|shut|use|choose|select|pick|press|enable|disable|never|option|\
    number";

/// Longer ones first, so that "go on" is not "go" and a rest.
pub(super) const BACKCHANNELS: &str = "\
    that makes sense|i understand|mm hm|mm hmm|uh huh|uh-huh|mm-hm|mm-hmm|i see|got it|go on|\
    all right|of course|oh okay|oh i see|makes sense|mhm|mmhm|mm|hm|hmm|aha|ah|oh|okay|ok|\
    right|alright|yeah|yep|yup|yes|sure|fine|good|great|nice|cool|wow|really|exactly|\
    continue|indeed|keep going|go ahead";

pub(super) const COMMANDS: &str = "\
    stop|wait|no|nope|hold on|hang on|be quiet|quiet|silence|shut up|enough|cancel|pause|\
    never mind|nevermind|excuse me|hey|one moment|one second|just a moment|just a second|\
    please stop|hush";

/// After these a unit or another number follows, unless a number went before: "at seven thirty".
pub(super) const TENS: &str = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety";

# A journal of its own, in namespaces of its own: whatever comes in through the pipe $1/pipe is
# written in it, and journalctl follows it with the arguments that are left. "end" ends journalctl.
folder=$1
shift
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal
mount --bind "$folder/journal" /run/log/journal
/lib/systemd/systemd-journald &
tries=0
until [ -S /run/systemd/journal/stdout ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || exit 1
    sleep 0.05
done
journalctl --follow --lines=0 --output=json --quiet "$@" &
follower=$!
while read -r line; do
    if [ "$line" = end ]; then
        # What was handed to journald is in the journal before everything ends.
        journalctl --sync
        kill "$follower"
        exit 1
    fi
    echo "$line" | systemd-cat -t backup.service -p err
done <> "$folder/pipe"

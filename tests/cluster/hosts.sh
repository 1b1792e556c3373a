#!/bin/bash
# Hosts on this machine, as root: network namespaces with an address, a host name and a /dev/shm of
# their own, joined by a bridge.
#
#     hosts.sh up FOLDER N             hosts h1 to hN
#     hosts.sh on FOLDER HOST WORD...  runs a command on a host
#     hosts.sh mpirun FOLDER WORD...   runs mpirun on h1, with one slot on each host
#     hosts.sh cut FOLDER HOST         takes the host's link down; `mend` takes it up again
#     hosts.sh down FOLDER
set -euo pipefail

action=$1 folder=$2
shift 2
name=d2l$(printf '%s' "$folder" | cksum | cut -c1-6)  # of the namespaces

case $action in
  up)
    # In a chroot there are none; then nothing may be left behind.
    unshare --mount --propagation private true || exit 1
    mkdir -p "$folder"
    echo "127.0.0.1 localhost" >"$folder/hosts"
    for ((i = 1; i <= $1; ++i)); do echo "10.93.0.$i h$i" >>"$folder/hosts"; done
    ip netns add "$name-switch"
    ip -n "$name-switch" link add bridge type bridge
    ip -n "$name-switch" link set bridge up
    for ((i = 1; i <= $1; ++i)); do
      ip netns add "$name-h$i"
      ip link add "port$i" netns "$name-switch" type veth peer name eth0 netns "$name-h$i"
      ip -n "$name-switch" link set "port$i" master bridge up
      ip -n "$name-h$i" addr add "10.93.0.$i/24" dev eth0
      ip -n "$name-h$i" link set eth0 up
      ip -n "$name-h$i" link set lo up
      mkdir -p "$folder/tmp-h$i"
      # This process holds the host's name and file systems.
      ip netns exec "$name-h$i" unshare --uts --mount --propagation private bash -c "
        hostname h$i && mount -t tmpfs none /dev/shm && mount --bind '$folder/hosts' /etc/hosts
        echo \$\$ >'$folder/h$i.pid' && exec sleep infinity" </dev/null >/dev/null 2>&1 &
      echo "h$i slots=1" >>"$folder/slots"
    done
    for ((i = 1; i <= $1; ++i)); do
      for ((attempt = 0; attempt < 200; ++attempt)); do
        [ -s "$folder/h$i.pid" ] && break
        sleep 0.02
      done
      [ -s "$folder/h$i.pid" ] || exit 1  # for example in a chroot
    done
    # Open MPI's remote shell: [OPTION...] HOST COMMAND
    cat >"$folder/rsh" <<END
#!/bin/bash
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec '$(readlink -f "${BASH_SOURCE[0]}")' on '$folder' "\$host" bash -c "\$*"
END
    chmod +x "$folder/rsh"
    ;;
  on)
    host=$1
    shift
    exec nsenter --target "$(cat "$folder/$host.pid")" --net --uts --mount --wdns="$PWD" \
      env TMPDIR="$folder/tmp-$host" "$@"
    ;;
  mpirun)
    exec "${BASH_SOURCE[0]}" on "$folder" h1 mpirun --hostfile "$folder/slots" --bind-to none \
      --mca plm rsh --mca plm_rsh_agent "$folder/rsh" --mca btl vader,tcp,self \
      --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 "$@"
    ;;
  cut) ip -n "$name-switch" link set "port${1#h}" down ;;
  mend) ip -n "$name-switch" link set "port${1#h}" up ;;
  down)
    for namespace in $(ip netns list | grep -o "^$name-[^ ]*"); do
      for process in $(ip netns pids "$namespace"); do kill -9 "$process" 2>/dev/null || true; done
      ip netns delete "$namespace"
    done
    ;;
esac

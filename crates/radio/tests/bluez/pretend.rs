//! A pretend `org.bluez` on a bus of its own: one adapter that hears its own adverts, and
//! strangers' when told to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use dbus::{
    Message, Path,
    arg::{PropMap, RefArg, Variant, prop_cast},
    channel::{MatchingReceiver, Sender},
    message::{MatchRule, SignalArgs},
    nonblock::{
        Proxy, SyncConnection,
        stdintf::org_freedesktop_dbus::{Properties, PropertiesPropertiesChanged},
    },
};
use dbus_crossroads::{Crossroads, IfaceToken, MethodErr};
use tokio::task::JoinHandle;

const ADAPTER: &str = "/org/bluez/hci0";
const ADAPTER_INTERFACE: &str = "org.bluez.Adapter1";
const DEVICE_INTERFACE: &str = "org.bluez.Device1";
const ADVERTISEMENT: &str = "org.bluez.LEAdvertisement1";

/// How often an advert that is on the air is heard.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon knows.
#[derive(Default)]
struct Air {
    powered: bool,
    /// The clients that listen: each at most once, as with BlueZ.
    scans: HashSet<String>,
    /// Room for adverts.
    instances: u8,
    /// Adverts by owner and path.
    adverts: HashMap<(String, Path<'static>), (String, Vec<u8>)>,
    /// How many were taken down by their owner's word.
    unregistered: usize,
    /// How many bytes an advert may have in all.
    longest: usize,
}

struct Device {
    address: String,
    uuid: String,
    data: Vec<u8>,
}

/// The daemon. It has to be stopped before another can start.
pub struct Pretend {
    connection: Arc<SyncConnection>,
    crossroads: Arc<Mutex<Crossroads>>,
    device: IfaceToken<Device>,
    air: Arc<Mutex<Air>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Pretend {
    /// Takes the name `org.bluez`; the adapter is on.
    pub async fn start() -> Self {
        let mut pretend = Self::without_adapter().await;
        pretend.add_adapter();
        pretend
    }

    /// As [`Self::start`], with nothing plugged in.
    pub async fn without_adapter() -> Self {
        let (resource, connection) = dbus_tokio::connection::new_system_sync()
            .expect("a private bus at DBUS_SYSTEM_BUS_ADDRESS");
        let io = tokio::spawn(async move {
            resource.await;
        });
        let mut crossroads = Crossroads::new();
        crossroads.set_object_manager_support(Some(connection.clone()));
        let spawn = Box::new(|task| {
            tokio::spawn(task);
        });
        crossroads.set_async_support(Some((connection.clone(), spawn)));
        let device = device_interface(&mut crossroads);
        let manager = crossroads.object_manager();
        crossroads.insert("/", &[manager], ());
        let crossroads = Arc::new(Mutex::new(crossroads));
        let calls = crossroads.clone();
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |message, connection| {
                let _ = calls.lock().unwrap().handle_message(message, connection);
                true
            }),
        );
        connection.request_name("org.bluez", false, true, false).await.unwrap();
        let air = Air { powered: true, instances: 4, longest: 31, ..Air::default() };
        let mut pretend = Self {
            connection,
            crossroads,
            device,
            air: Arc::new(Mutex::new(air)),
            tasks: vec![io],
        };
        pretend.tasks.push(pretend.broadcast());
        pretend
    }

    /// Leaves the bus, as a daemon that dies does.
    pub async fn stop(self) {
        for task in self.tasks.iter().skip(1) {
            task.abort();
        }
        self.connection.release_name("org.bluez").await.unwrap();
        // Tells those who sent something that nobody is here any more.
        for task in &self.tasks {
            task.abort();
        }
    }

    fn add_adapter(&mut self) {
        let mut crossroads = self.crossroads.lock().unwrap();
        let adapter = adapter_interface(&mut crossroads, self.air.clone(), self.connection.clone());
        let manager =
            advertising_interface(&mut crossroads, self.air.clone(), self.connection.clone());
        crossroads.insert(ADAPTER, &[adapter, manager], ());
    }

    /// Switches the adapter on or off, as its owner would.
    pub fn power(&self, on: bool) {
        {
            let mut air = self.air.lock().unwrap();
            air.powered = on;
            if !on {
                air.adverts.clear();
                air.scans.clear();
            }
        }
        self.changed(&ADAPTER.into(), ADAPTER_INTERFACE, "Powered", on);
    }

    /// How many adverts were taken off the air by their owner's word, and not by its leaving the
    /// bus.
    pub fn unregistered(&self) -> usize {
        self.air.lock().unwrap().unregistered
    }

    /// No more room for adverts.
    pub fn occupy(&self) {
        self.air.lock().unwrap().instances = 0;
    }

    /// The service data that is on the air.
    pub fn on_air(&self) -> Vec<Vec<u8>> {
        self.air.lock().unwrap().adverts.values().map(|(_, data)| data.clone()).collect()
    }

    /// How many scans are running.
    pub fn scans(&self) -> usize {
        self.air.lock().unwrap().scans.len()
    }

    /// A device is heard: at first as a new one, then with other data.
    pub fn hear(&self, address: &str, uuid: &str, data: &[u8]) {
        hear(&self.connection, &self.crossroads, self.device, address, uuid, data);
    }

    /// Every advert on the air is heard again and again, for as long as somebody listens and its
    /// owner lives.
    fn broadcast(&self) -> JoinHandle<()> {
        let (air, connection) = (self.air.clone(), self.connection.clone());
        let (crossroads, device) = (self.crossroads.clone(), self.device);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            loop {
                ticks.tick().await;
                let owners: HashSet<String> = {
                    let air = air.lock().unwrap();
                    let adverts = air.adverts.keys().map(|(owner, _)| owner);
                    adverts.chain(&air.scans).cloned().collect()
                };
                for owner in owners {
                    let bus = Proxy::new(
                        "org.freedesktop.DBus",
                        "/org/freedesktop/DBus",
                        PATIENCE,
                        connection.clone(),
                    );
                    let lives: Result<(bool,), _> = bus
                        .method_call("org.freedesktop.DBus", "NameHasOwner", (owner.as_str(),))
                        .await;
                    if matches!(lives, Ok((false,))) {
                        let mut air = air.lock().unwrap();
                        air.adverts.retain(|(of, _), _| *of != owner);
                        air.scans.remove(&owner);
                    }
                }
                let heard: Vec<_> = {
                    let air = air.lock().unwrap();
                    if air.scans.is_empty() {
                        continue;
                    } else {
                        air.adverts.values().cloned().collect()
                    }
                };
                for (uuid, data) in heard {
                    hear(&connection, &crossroads, device, "00:11:22:33:44:55", &uuid, &data);
                }
            }
        })
    }

    fn changed<T: RefArg + 'static>(
        &self,
        path: &Path<'static>,
        interface: &str,
        name: &str,
        value: T,
    ) {
        changed(&self.connection, path, interface, name, value);
    }
}

fn hear(
    connection: &SyncConnection,
    crossroads: &Mutex<Crossroads>,
    token: IfaceToken<Device>,
    address: &str,
    uuid: &str,
    data: &[u8],
) {
    let path: Path<'static> = format!("{ADAPTER}/dev_{}", address.replace(':', "_")).into();
    let known = {
        let mut crossroads = crossroads.lock().unwrap();
        match crossroads.data_mut::<Device>(&path) {
            Some(device) => {
                (device.uuid, device.data) = (uuid.into(), data.to_vec());
                true
            }
            None => {
                let device =
                    Device { address: address.into(), uuid: uuid.into(), data: data.to_vec() };
                crossroads.insert(path.clone(), &[token], device);
                false
            }
        }
    };
    if known {
        let data = HashMap::from([(uuid.to_owned(), Variant(data.to_vec()))]);
        changed(connection, &path, DEVICE_INTERFACE, "ServiceData", data);
    }
}

fn changed<T: RefArg + 'static>(
    connection: &SyncConnection,
    path: &Path<'static>,
    interface: &str,
    name: &str,
    value: T,
) {
    let value: Box<dyn RefArg> = Box::new(value);
    let signal = PropertiesPropertiesChanged {
        interface_name: interface.into(),
        changed_properties: PropMap::from([(name.into(), Variant(value))]),
        invalidated_properties: Vec::new(),
    };
    let _ = connection.send(signal.to_emit_message(path));
}

fn failed(name: &'static str) -> MethodErr {
    (name, "it is pretended").into()
}

fn adapter_interface(
    crossroads: &mut Crossroads,
    air: Arc<Mutex<Air>>,
    connection: Arc<SyncConnection>,
) -> IfaceToken<()> {
    let tell = move |name: &'static str, value: bool| {
        changed(&connection, &ADAPTER.into(), ADAPTER_INTERFACE, name, value);
    };
    crossroads.register(ADAPTER_INTERFACE, |interface| {
        let texts = [
            ("Address", "00:11:22:33:44:55"),
            ("AddressType", "public"),
            ("Name", "pretend"),
            ("Alias", "pretend"),
            ("Modalias", "usb:v1D6Bp0246d0540"),
        ];
        for (name, text) in texts {
            interface.property(name).get(move |_, ()| Ok(text.to_owned()));
        }
        interface.property("UUIDs").get(|_, ()| Ok(Vec::<String>::new()));
        let state = air.clone();
        interface
            .property("Discovering")
            .get(move |_, ()| Ok(!state.lock().unwrap().scans.is_empty()));
        let (get, set) = (air.clone(), air.clone());
        // What the setter gives back is told to all.
        interface.property("Powered").get(move |_, ()| Ok(get.lock().unwrap().powered)).set(
            move |_, (), on| {
                set.lock().unwrap().powered = on;
                Ok(Some(on))
            },
        );
        interface.method("SetDiscoveryFilter", ("filter",), (), |_, (), _: (PropMap,)| Ok(()));
        let (state, say) = (air.clone(), tell.clone());
        interface.method("StartDiscovery", (), (), move |context, (), ()| {
            let mut air = state.lock().unwrap();
            if !air.powered {
                return Err(failed("org.bluez.Error.NotReady"));
            }
            if !air.scans.insert(sender(context.message())) {
                return Err(failed("org.bluez.Error.InProgress"));
            }
            if air.scans.len() == 1 {
                say("Discovering", true);
            }
            Ok(())
        });
        interface.method("StopDiscovery", (), (), move |context, (), ()| {
            let mut air = air.lock().unwrap();
            if air.scans.remove(&sender(context.message())) && air.scans.is_empty() {
                tell("Discovering", false);
            }
            Ok(())
        });
    })
}

fn advertising_interface(
    crossroads: &mut Crossroads,
    air: Arc<Mutex<Air>>,
    connection: Arc<SyncConnection>,
) -> IfaceToken<()> {
    crossroads.register("org.bluez.LEAdvertisingManager1", |interface| {
        let state = air.clone();
        interface
            .property("SupportedInstances")
            .get(move |_, ()| Ok(state.lock().unwrap().instances));
        let state = air.clone();
        interface.property("ActiveInstances").get(move |_, ()| {
            Ok(u8::try_from(state.lock().unwrap().adverts.len()).unwrap_or(u8::MAX))
        });
        let state = air.clone();
        interface.method_with_cr_async(
            "RegisterAdvertisement",
            ("advertisement", "options"),
            (),
            move |mut context, _, (path, _): (Path<'static>, PropMap)| {
                let (air, connection) = (state.clone(), connection.clone());
                let owner = sender(context.message());
                async move {
                    let result = register(&air, connection, owner, path).await;
                    context.reply(result)
                }
            },
        );
        interface.method(
            "UnregisterAdvertisement",
            ("advertisement",),
            (),
            move |context, (), (path,): (Path<'static>,)| {
                let mut air = air.lock().unwrap();
                let known = air.adverts.remove(&(sender(context.message()), path));
                air.unregistered += usize::from(known.is_some());
                Ok(())
            },
        );
    })
}

async fn register(
    air: &Mutex<Air>,
    connection: Arc<SyncConnection>,
    owner: String,
    path: Path<'static>,
) -> Result<(), MethodErr> {
    let client = Proxy::new(owner.clone(), path.clone(), PATIENCE, connection);
    let properties: PropMap =
        client.get_all(ADVERTISEMENT).await.map_err(|_| failed("org.bluez.Error.Failed"))?;
    let data: &HashMap<String, Variant<Box<dyn RefArg>>> =
        prop_cast(&properties, "ServiceData").ok_or(failed("org.bluez.Error.Failed"))?;
    let (uuid, data) = data.iter().next().ok_or(failed("org.bluez.Error.Failed"))?;
    let data: Vec<u8> =
        dbus::arg::cast::<Vec<u8>>(&data.0).cloned().ok_or(failed("org.bluez.Error.Failed"))?;
    let mut air = air.lock().unwrap();
    // Flags, one 16-bit UUID, and its service data.
    if 3 + 4 + 4 + data.len() > air.longest {
        return Err(failed("org.bluez.Error.Failed"));
    }
    if air.adverts.len() >= usize::from(air.instances) {
        return Err(failed("org.bluez.Error.NotPermitted"));
    }
    air.adverts.insert((owner, path), (uuid.clone(), data));
    Ok(())
}

fn sender(message: &Message) -> String {
    message.sender().map(|sender| sender.to_string()).unwrap_or_default()
}

fn device_interface(crossroads: &mut Crossroads) -> IfaceToken<Device> {
    crossroads.register(DEVICE_INTERFACE, |interface| {
        interface.property("Address").get(|_, device: &mut Device| Ok(device.address.clone()));
        interface.property("AddressType").get(|_, _| Ok("random".to_owned()));
        interface.property("Alias").get(|_, _| Ok("phone".to_owned()));
        interface.property("Adapter").get(|_, _| Ok(Path::from(ADAPTER)));
        interface.property("RSSI").get(|_, _| Ok(-50_i16));
        interface.property("UUIDs").get(|_, device| Ok(vec![device.uuid.clone()]));
        for name in
            ["Paired", "Connected", "Trusted", "Blocked", "LegacyPairing", "ServicesResolved"]
        {
            interface.property(name).get(|_, _| Ok(false));
        }
        interface.property("ServiceData").get(|_, device| {
            Ok(HashMap::from([(device.uuid.clone(), Variant(device.data.clone()))]))
        });
    })
}
